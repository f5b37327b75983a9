"""What a repair means to the person whose network it changes, told from the networks themselves.

    consequences > steps > axes

`consequences` compares the network before and after; `steps` says which tensors have an axis of time
steps; `axes` says which axes a reshape keeps, joins, splits or mixes.
"""
