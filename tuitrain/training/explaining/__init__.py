"""What a checkpoint's model decides by: pixels, columns, words, or columns over a whole set."""
