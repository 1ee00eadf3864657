"""The explorer: Swin in one offline page, to be touched; plain JavaScript and data that the library computes."""
