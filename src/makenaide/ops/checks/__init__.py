"""The checks, one function for each line of the lists; `register` names them all, in their order."""
