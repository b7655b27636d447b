"""Tables of statements: rows in and out of files of any size, every column of the input as it was."""
