"""How an image is fetched, decided purely over a Wire that somebody else owns."""
