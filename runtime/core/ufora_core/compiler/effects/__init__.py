"""The proof on concrete values that nobody can notice how, where and how often items run."""
