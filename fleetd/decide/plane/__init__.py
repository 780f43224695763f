"""The way of an event from observation to intent, in memory: an event in, records and due work out.

The plane is a projection of what the store holds. Nothing here waits: what must be asked of the world (a script's verdict,
a second read) is a wish of the turn, and its answer the input of another turn.
"""
