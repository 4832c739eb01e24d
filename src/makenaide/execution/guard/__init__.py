"""The guard: it watches prices and sells at the stop, whatever the trading process and the database do.

`stops` is what the trading process publishes, `journal` what the guard does, `guard` the watching and selling,
`keeper` the trading process's side: publish, acknowledge, import.
"""
