"""`kill -9` of the worker and of the server at random points: does what was finished stay, and the rest come right?"""
