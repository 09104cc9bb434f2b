"""What each command does once its arguments are parsed. Loaded only to carry a command out, and so free to be heavy."""
