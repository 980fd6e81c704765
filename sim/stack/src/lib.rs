//! TCP for the hosts of the network core, by smoltcp.
