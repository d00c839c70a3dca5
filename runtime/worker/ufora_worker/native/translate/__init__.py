"""From Python's syntax trees and concrete captured values to typed IR, or a refusal."""
