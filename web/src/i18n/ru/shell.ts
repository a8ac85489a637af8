import type { Catalogue } from '../index.svelte';

export const shell: Catalogue['shell'] = {
  connections: 'Подключения',
  newConnection: 'Новое подключение',
  closeConnection: (name) => `Закрыть ${name}`,
  theme: 'Цвета',
  themes: { system: 'Как в системе', light: 'Светлые', dark: 'Тёмные' },
  language: 'Язык',
  keys: 'Клавиши',
  close: 'Закрыть',
  work: 'Работа',
  timeline: 'Обмены',
};
