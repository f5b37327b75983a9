"""The harness: scenarios, runs, records, tracking and reports."""
