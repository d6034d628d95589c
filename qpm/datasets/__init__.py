"""Datasets by name. A dataset is a frozen configuration whose `open()` gives videos to iterate over."""
