import type { Catalogue } from '../index.svelte';

export const identity: Catalogue['identity'] = {
  title: 'Кто вы',
  anonymous: 'Никто: токен не предъявлен',
  unknown: 'Неизвестно: токен для страницы непрозрачен',
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
  noTool: 'Инструмента whoami для вас здесь нет.',
  units: {
    day: (n) => `${n} д`,
    hour: (n) => `${n} ч`,
    minute: (n) => `${n} мин`,
    second: (n) => `${n} с`,
  },
};
