import type { Catalogue } from '../index.svelte';

export const shell: Catalogue['shell'] = {
  connections: 'Подключения',
  newConnection: 'Новое подключение',
  closeConnection: (name) => `Закрыть подключение ${name}`,
  theme: 'Цвета',
  themes: { system: 'Системные', light: 'Светлые', dark: 'Тёмные' },
  language: 'Язык',
  keys: 'Клавиши',
  keysHint: 'Клавиши (?)',
  keysList: [
    ['/', 'отобрать из того, что предлагает сервер'],
    ['↑ ↓', 'ходить по списку'],
    ['Enter', 'открыть'],
    ['Ctrl Enter', 'выполнить'],
    ['Esc', 'отменить, закрыть'],
    ['[ ]', 'предыдущее, следующее подключение'],
    ['n', 'новое подключение'],
    ['t', 'обмены'],
    ['?', 'эти клавиши'],
  ],
  close: 'Закрыть',
  work: 'Работа',
  timeline: 'Обмены',
  parts: 'Части страницы',
};
