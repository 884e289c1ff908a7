"""The experiments of Pilanci & Ergen (ICML 2020), run again beside a certified optimum.

``python -m bench.paper [names] [--quick] [--output DIR] [--data DIR] [--fresh]`` in a
checkout.
"""
