"""What `fpbay` can do: a file for each kind of work, read when it is asked for."""
