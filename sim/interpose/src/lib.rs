//! Clock, entropy, bind and thread creation of a simulating thread.
