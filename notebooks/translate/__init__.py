"""The notebooks in other languages: a folder for each language, whose texts are checked against the English ones."""
