"""SLA, OLA and supplier contracts: profiles, clocks, explanations, comparisons."""
