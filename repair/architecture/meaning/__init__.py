"""What a repair means to the person whose network it changes, told from the networks themselves.

    consequences > rearrangements > kinds, steps > axes

`kinds` lists what there is to say; `consequences` compares the network before and after;
`rearrangements` looks at layers that reshape or permute, of which the search asks too, to break
ties; `steps` says which tensors have an axis of time steps; `axes` says which axes a
reshape keeps, joins, splits or mixes.
"""
