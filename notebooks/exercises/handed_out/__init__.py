"""What stands in the hand-out in the place of the library's references and wrong functions: their recorded results."""
