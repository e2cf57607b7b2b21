"""What a profile's trace says: operators, modules, source lines, kernels, gaps, a flame tree.

Knows traces as torch.profiler writes them, never torch itself, and nothing of screens.
"""
