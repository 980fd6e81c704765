//! Camera and viewer: the stacks under test.
