"""The scheduler: which job runs where. Sans-IO: events go in, commands come out.

Nothing here waits, reads a clock, draws a number or writes a log line. Time and names come in on
events (``events``); whatever is to be done to the world comes back as data (``commands``); and
``Scheduler.handle`` is the only way to change the state.
"""
