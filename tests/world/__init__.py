"""The world around the product, for tests: chains that are real, and endpoints that are not."""
