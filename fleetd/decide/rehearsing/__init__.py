"""What declared objects would do, on a plane of its own, without clusters and without a store."""
