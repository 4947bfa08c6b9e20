/** Transactions and WATCH beside redis-server. */
import { transactions } from './cases/transactions.js';
import { compareWithRealServer } from './harness.js';

compareWithRealServer(transactions);
