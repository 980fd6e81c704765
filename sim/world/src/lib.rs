//! A scenario in virtual time: the turmoil shell.
