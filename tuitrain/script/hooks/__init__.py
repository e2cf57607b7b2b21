"""What is put into each library once a script has imported it, one library a file."""
