/** The memory member against the storage contract. */
import { storageContract } from '../storage.contract.ts';
import { createMemoryStorage } from './memory-storage.ts';

storageContract({
  name: 'memory',
  open: async () => {
    const storage = createMemoryStorage();
    return { storage, dispose: () => storage.close() };
  },
});
