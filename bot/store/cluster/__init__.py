"""Several instances on one PostgreSQL database: leases, membership, and how a process joins."""
