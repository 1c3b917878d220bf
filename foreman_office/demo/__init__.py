"""The demo: a live program beside the sample, a simulated foreman and five simulated builders."""
