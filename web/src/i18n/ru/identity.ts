import type { Catalogue } from '../index.svelte';

export const identity: Catalogue['identity'] = {
  title: 'Кто вы',
  anonymous: 'Никто: токен не предъявлен',
  unknown: 'Неизвестно: из токена страница ничего не прочла',
  asking: 'Спрашиваем…',
  subject: 'Субъект',
  client: 'Клиент',
  issuer: 'Издатель',
  scopes: 'Права',
  noScopes: 'нет',
  audience: 'Для кого',
  expires: 'Истекает',
  never: 'никогда',
  expired: 'истёк',
  unverified: 'из токена',
  unverifiedHint: 'Прочитано из самого токена. Страница его не проверяла, и сервер может видеть иначе.',
  askTool: 'Спросить инструмент whoami',
  units: {
    day: (n) => `${n} д`,
    hour: (n) => `${n} ч`,
    minute: (n) => `${n} мин`,
    second: (n) => `${n} с`,
  },
  all: (n) => `Все ${n}`,
};
