"""Planning in words: scenes, tasks and steps of a controlled grammar whose state is tracked.

Public names load on first use.
"""
