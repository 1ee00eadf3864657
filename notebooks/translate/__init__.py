"""The walkthrough and the exercises in other languages: a folder for each, whose texts are checked against the English ones."""
