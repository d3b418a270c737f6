"""How the outside is reached: connections, transactions, health, logs; opened here and handed down."""
