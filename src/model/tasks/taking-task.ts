/** Paths that run the task which a facade's request brings, in place of their own handler. */
import type { Handler, Path } from '../backend.ts';
import type { Request } from '../request.ts';
import type { Task } from './task.ts';
import type { Transaction } from '../transaction.ts';
import type { Reply } from '../reply.ts';

type AnyHandler = Handler<Transaction, never>;

/** The path as it is, whose operations hand a request with a task to `run`. */
export function takingTask(
  path: Path,
  run: (request: Request<never>, task: Task, store: Transaction) => Promise<Reply | undefined>,
): Path {
  const tasked = (handler: AnyHandler): AnyHandler => {
    return (request: Request<never>, store: Transaction) =>
      request.task === undefined ? handler(request, store) : run(request, request.task, store);
  };
  const operations = Object.entries(path.operations).map(([name, spec]) => [
    name,
    { ...spec, handler: tasked(spec.handler) },
  ]);
  return {
    ...path,
    takesTasks: true,
    operations: Object.fromEntries(operations) as Path['operations'],
  };
}
