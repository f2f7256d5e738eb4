"""A simulated Kalshi, written from the exchange's documents. Shares no code with the bot: two clerks."""
