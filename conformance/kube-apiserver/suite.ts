/**
 * The kubernetes auth method and the kubernetes engine against a real kube-apiserver. Environment: KUBE_APISERVER and ETCD (paths of
 * the programs), ADDR, CA (PEM file), TOKEN. One line per case, then "N passed, N failed".
 */
import { runCases } from '../cases.ts';
import { engine } from './engine.ts';
import { method } from './method.ts';
import { api, cluster } from './stage.ts';

await runCases('kube-apiserver', { ...method, ...engine });
await cluster.stop();
api.close();
