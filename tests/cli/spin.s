L:
  jump L
