import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { addressBlock } from '../core/caller-address.js';
import { MILLISECONDS_PER_SECOND } from '../core/clock.js';
import { refusal } from '../core/errors.js';

const WINDOW_SECONDS = 60;
/** A page that is opened again and again still gets in; somebody who tries codes, or hammers on one, does not. */
const EXCHANGES_OF_A_CUSTOMER = 10;
const EXCHANGES_FROM_AN_ADDRESS = 30;

/** How often the codes of a customer, and codes from one address, may be exchanged. */
export class ExchangeLimit {
  readonly #ofCustomer = new RateLimiterMemory({ points: EXCHANGES_OF_A_CUSTOMER, duration: WINDOW_SECONDS });
  readonly #fromAddress = new RateLimiterMemory({ points: EXCHANGES_FROM_AN_ADDRESS, duration: WINDOW_SECONDS });

  /** Counts an exchange. Throws RATE_LIMITED when there have been too many. */
  async count(customerId: string, address: string): Promise<void> {
    try {
      await this.#fromAddress.consume(addressBlock(address));
      await this.#ofCustomer.consume(customerId);
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      throw refusal('RATE_LIMITED', 'This link is being opened too often. Try again later.', { retryAfter: Math.ceil(error.msBeforeNext / MILLISECONDS_PER_SECOND) });
    }
  }
}
