"""Run ordinary Python blocks on a Ufora cluster."""
