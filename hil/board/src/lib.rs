//! A board on a serial port: port, transcript, power, and the console core driven by them.
