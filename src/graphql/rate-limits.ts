import { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Caller } from '../core/caller.js';
import { addressBlock } from '../core/caller-address.js';
import { ConfigError, type Config } from '../core/config.js';
import { refusal } from '../core/errors.js';
import { errorFacts, type Log } from '../core/log.js';

/** Seconds that requests are counted over. */
const WINDOW_SECONDS = 60;
const MILLISECONDS_PER_SECOND = 1_000;
const REDIS_PREFIX = 'kyc-gateway:rate';
/** At the start, before it is said that there is no Redis. */
const REDIS_CONNECT_MILLISECONDS = 3_000;
/** A Redis that does not answer in this time is passed over: the memory of this replica counts meanwhile. */
const REDIS_ANSWER_MILLISECONDS = 500;

/** How much each caller may ask in a minute. Every method throws RATE_LIMITED with `retryAfter` in seconds. */
export interface RateLimits {
  /** Counts a request by the address that it came from. */
  fromAddress(address: string): Promise<void>;
  /** Counts a request, or an operation of a socket, by the key that it bears. */
  byCaller(caller: Caller): Promise<void>;
  /** Counts an authentication that has failed. A valid key is let through, whatever others do at the same address. */
  failedAuthentication(address: string): Promise<void>;
  stop(): Promise<void>;
}

/** Opens the counters: in the memory of this process, or in Redis for all replicas. Throws ConfigError when there is no Redis. */
export async function openRateLimits(config: Pick<Config, 'redisUrl' | 'requestsPerKey' | 'requestsPerAddress' | 'failuresPerAddress'>, log: Log): Promise<RateLimits> {
  const redis = config.redisUrl === null ? null : await connect(config.redisUrl, log);
  const limiter = (name: string, points: number): RateLimiterAbstract => {
    const options = { keyPrefix: `${REDIS_PREFIX}:${name}`, points, duration: WINDOW_SECONDS };
    const memory = new RateLimiterMemory(options);
    return redis ? new RateLimiterRedis({ ...options, storeClient: redis, rejectIfRedisNotReady: true, insuranceLimiter: memory }) : memory;
  };
  const [addresses, keys, failures] = [limiter('address', config.requestsPerAddress), limiter('key', config.requestsPerKey), limiter('failure', config.failuresPerAddress)];
  return {
    fromAddress: (address) => count(addresses, addressBlock(address), 'Too many requests come from this address'),
    byCaller: (caller) => count(keys, caller.actor, 'Too many requests come with this key'),
    failedAuthentication: (address) => count(failures, addressBlock(address), 'Too many authentications from this address have failed'),
    stop: async () => redis?.disconnect(),
  };
}

async function count(limiter: RateLimiterAbstract, by: string, sentence: string): Promise<void> {
  try {
    await limiter.consume(by);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    const retryAfter = Math.max(1, Math.ceil(error.msBeforeNext / MILLISECONDS_PER_SECOND));
    throw refusal('RATE_LIMITED', `${sentence}. Try again in ${retryAfter} s.`, { retryAfter });
  }
}

async function connect(url: string, log: Log): Promise<Redis> {
  const redis = new Redis(url, { lazyConnect: true, enableOfflineQueue: false, connectTimeout: REDIS_CONNECT_MILLISECONDS, commandTimeout: REDIS_ANSWER_MILLISECONDS, maxRetriesPerRequest: 0 });
  redis.on('error', (error) => log.warn(errorFacts(error), 'Redis cannot be used: this replica counts requests by itself meanwhile'));
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw new ConfigError(`REDIS_URL names a Redis that cannot be used: ${(error as Error).message}`);
  }
  return redis;
}
