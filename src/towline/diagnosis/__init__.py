"""Why an image was not fetched: from facts to a verdict, purely."""
