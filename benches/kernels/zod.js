// Validation: 100 orders by a schema of zod, one in ten of them wrong.
import { z } from 'zod';

const Order = z.object({
  id: z.number().int().positive(),
  email: z.email(),
  status: z.enum(['open', 'paid', 'sent']),
  lines: z.array(z.object({ sku: z.string().min(3).max(12), count: z.number().int().min(1), price: z.number() })).min(1),
  note: z.string().optional(),
  address: z.union([z.object({ street: z.string(), zip: z.string().regex(/^\d{5}$/) }), z.null()]),
});
const orders = Array.from({ length: 100 }, (_, i) => ({
  id: i + 1, email: i % 10 ? `a${i}@example.com` : 'wrong', status: ['open', 'paid', 'sent'][i % 3],
  lines: [{ sku: `sku-${i}`, count: 1 + (i % 3), price: i * 0.5 }, { sku: 'other', count: 2, price: 1 }],
  address: i % 2 ? { street: 'High Street', zip: `${10000 + i}` } : null,
}));

export function run() {
  let good = 0, issues = 0;
  for (const order of orders) {
    const checked = Order.safeParse(order);
    if (checked.success) good += checked.data.lines.length;
    else issues += checked.error.issues.length;
  }
  return `${good} ${issues}`;
}
