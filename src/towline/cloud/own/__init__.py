"""What Towline tells beyond the products it implements, under the product name `towline`."""
