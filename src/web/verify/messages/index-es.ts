export { catalogue } from './index-en';
