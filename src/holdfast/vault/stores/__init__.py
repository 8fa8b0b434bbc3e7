"""Places where objects can lie; each runs the contract suite `holdfast.testing.store_contract`."""
