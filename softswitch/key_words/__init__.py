"""Key words: a process of its own that hears calls and says when one of a campaign's phrases was spoken. English alone.

It keeps nothing: sound comes by a pipe and is forgotten, and of all that is said no more than which phrase goes out. It
needs `pip install 'softswitch[keywords]'` (pocketsphinx, with the model in its wheel); without key words it never runs.
"""
