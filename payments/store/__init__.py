"""Tables, one file per noun, written and read by explicit statements."""
