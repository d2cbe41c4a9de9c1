"""What a server answers, for the documentation and the tests.

The adapter writes its answers by hand, for speed; these models say what it must write.
"""
